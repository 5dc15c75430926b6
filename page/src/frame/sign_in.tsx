// The form for a name and a password. The address stays what it is, so that a link from a mail is found after it.

import { useState } from "preact/hooks";

import { asProblem } from "../api/client";
import { frameText } from "../text";
import { signIn } from "./session";

const words = frameText.session;

export function SignIn() {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await signIn(name, password);
    } catch (error) {
      const { status, error: text } = asProblem(error);
      setProblem(status === 401 ? words.wrong : status === 429 ? words.tooMany : text);
      setBusy(false);
    }
  };
  return (
    <main class="sign-in" id="content">
      <form onSubmit={submit}>
        <img src="./assets/mark.svg" width="40" height="40" alt="" />
        <h1>{frameText.product}</h1>
        <label>
          {words.name}
          <input autocomplete="username" value={name} required onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <label>
          {words.password}
          <input
            type="password" autocomplete="current-password" value={password} required
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </label>
        <p class="problem-text" role="alert">{problem}</p>
        <button type="submit" class="button primary wide" disabled={isBusy}>{words.submit}</button>
      </form>
    </main>
  );
}
