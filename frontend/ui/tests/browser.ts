//! How Chromium is started: the system's own, asking nothing of any other host.

export const browser = {
  browserName: "chromium" as const,
  viewport: { width: 1400, height: 900 },
  acceptDownloads: true,
  launchOptions: {
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  },
};
