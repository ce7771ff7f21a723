//! How the page is built: one small first script, the viewer and the uploader as chunks of their own, nothing inline.

import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2022",
    // A data: address would need a wider Content-Security-Policy than 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    reportCompressedSize: false,
    rolldownOptions: { output: { comments: { legal: false } } },
  },
  server: { proxy: { "/api": "http://127.0.0.1:4173", "/tiles": "http://127.0.0.1:4173" } },
});
