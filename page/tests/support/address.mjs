// Addresses of views, made as mails and alerts make them: every value percent-encoded.

export function addressOf(view, params = {}) {
  const pairs = Object.entries(params).filter(([, value]) => value !== undefined && value !== "");
  return `#/${view}${pairs.length > 0 ? "?" : ""}${pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&")}`;
}
