// To come.

export function RouteView() {
  return <div class="state">…</div>;
}
