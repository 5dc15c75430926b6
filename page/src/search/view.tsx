// To come.

export function SearchView() {
  return <div class="state">…</div>;
}
