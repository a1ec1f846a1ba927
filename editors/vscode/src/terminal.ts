import * as vscode from "vscode";
import type { LanguageClient, StaticFeature } from "vscode-languageclient/node";

/** What the server asks when an agent shall run where the user can talk to it. */
interface OpenTerminal {
  title: string;
  cwd: string;
  argv: string[];
}

/** Tells the server that it may ask for a terminal. */
export const TERMINAL_CAPABILITY: StaticFeature = {
  fillClientCapabilities(capabilities) {
    capabilities.experimental = { ...capabilities.experimental, botBottle: { terminal: true } };
  },
  initialize() {},
  getState: () => ({ kind: "static" }),
  clear() {},
};

/** Answers `botBottle/openTerminal`; the program runs as the terminal's own, with no shell in between. */
export function offerTerminal(client: LanguageClient, env: NodeJS.ProcessEnv | undefined): void {
  client.onRequest("botBottle/openTerminal", ({ title, cwd, argv }: OpenTerminal) => {
    if (!vscode.workspace.isTrusted) {
      throw new Error("the workspace is not trusted");
    }
    const [program, ...args] = argv;
    if (program === undefined) {
      throw new Error("argv is empty");
    }
    // The server's own environment and nothing else: a workspace's `terminal.integrated.env` could name another
    // configuration, state folder or PATH than what the question was about.
    const own = { ...configured(), ...process.env, ...env, TERM: "xterm-256color", COLORTERM: "truecolor" };
    const options = { name: title, cwd, shellPath: program, shellArgs: args, env: own, strictEnv: true, isTransient: true };
    vscode.window.createTerminal(options).show();
    return null;
  });
}

/**
 * Each variable that a setting of the terminal names, as one to be taken out: where the workbench runs elsewhere than
 * the terminal, `strictEnv` is not heeded.
 */
function configured(): Record<string, null> {
  const settings = vscode.workspace.getConfiguration("terminal.integrated.env");
  const levels = ["linux", "osx", "windows"].flatMap((platform) => Object.values(settings.inspect(platform) ?? {}));
  const named = levels.flatMap((level) => (typeof level === "object" && level !== null ? Object.keys(level) : []));
  return Object.fromEntries(named.map((name) => [name, null]));
}
