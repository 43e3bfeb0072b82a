import type { Command } from "./command.ts";

export const serve: Command = {
  name: "serve",
  usage: "--stdio",
  about: "runs the language server for any editor",
  flags: { stdio: { type: "boolean" } },
  help: [["--stdio", "speak the Language Server Protocol on standard input and output"]],
  async run() {
    const { startServer } = await import("../server.ts");
    await startServer();
    return { json: {}, text: "" };
  },
};
