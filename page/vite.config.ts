import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds a running weir. */
const server = process.env["WEIR_SERVER"] ?? "http://127.0.0.1:9099";

export default defineConfig({
  // Relative addresses, so that the page works below a path of a reverse proxy too.
  base: "./",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2022",
    // No data: addresses and no script beside ours, because the Content-Security-Policy allows neither.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: { proxy: { "/api": { target: server, changeOrigin: true } } },
  test: { include: ["src/**/*.test.ts"] },
});
