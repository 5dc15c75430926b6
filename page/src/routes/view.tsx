// To come.

export function RoutesView() {
  return <div class="state">…</div>;
}
