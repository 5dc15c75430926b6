// To come.

export function StoryView() {
  return <div class="state">…</div>;
}
