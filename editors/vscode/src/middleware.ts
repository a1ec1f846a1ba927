import * as path from "node:path";
import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";
import type { Pages } from "./pages";

const LAUNCH = "bot-bottle.launch";
/** The commands about one manifest, and what they are called in the title of their answer. */
const ABOUT_MANIFEST: Record<string, string> = {
  "bot-bottle.plan": "plan",
  "bot-bottle.dryRun": "dry run",
  [LAUNCH]: "launch",
};
const LANGUAGES = ["bottle", "bottle-markdown"];

/**
 * The server's commands are registered by the client library under their own names, so nothing here registers
 * them again: the palette, a lens, an action and a key all pass through `executeCommand`.
 */
export function middleware(pages: Pages): Middleware {
  return {
    executeCommand: async (command, args, next) => {
      const what = ABOUT_MANIFEST[command];
      if (what === undefined) {
        return show(pages, String(args[0] ?? command), command, await next(command, args));
      }
      const target = targetOf(args);
      if (target === undefined) {
        void vscode.window.showInformationMessage("Open a bottle or an agent first.");
        return undefined;
      }
      if (command === LAUNCH) {
        if (!(await mayLaunch())) {
          return undefined;
        }
        await saveDocument(target.uri);
      }
      const uri = target.uri.toString();
      const answer: unknown = await next(command, target.name === undefined ? [uri] : [uri, target.name]);
      return show(pages, `${target.name ?? path.basename(target.uri.path)} (${what})`, uri, answer);
    },
    provideCodeLenses: async (document, token, next) => {
      const lenses = await next(document, token);
      return vscode.workspace.isTrusted ? lenses : lenses?.filter((lens) => lens.command?.command !== LAUNCH);
    },
  };
}

/** A text that comes back is for the user to read. */
async function show(pages: Pages, title: string, about: string, answer: unknown): Promise<unknown> {
  if (typeof answer === "string") {
    await pages.show(title, about, answer);
  }
  return answer;
}

interface Target {
  uri: vscode.Uri;
  name?: string;
}

/** A lens names its manifest; the palette means the one in front. */
function targetOf(args: unknown[]): Target | undefined {
  const [uri, name] = args;
  if (typeof uri === "string") {
    return { uri: vscode.Uri.parse(uri), name: typeof name === "string" ? name : undefined };
  }
  const document = vscode.window.activeTextEditor?.document;
  return document && LANGUAGES.includes(document.languageId) ? { uri: document.uri } : undefined;
}

async function mayLaunch(): Promise<boolean> {
  if (vscode.workspace.isTrusted) {
    return true;
  }
  const manage = "Manage Workspace Trust";
  const answer = await vscode.window.showWarningMessage(
    "bot-bottle launches no agent from a workspace that you do not trust.",
    manage,
  );
  if (answer === manage) {
    await vscode.commands.executeCommand("workbench.trust.manage");
  }
  return false;
}

/** The launch reads the file, so what is on the screen must be in it. */
async function saveDocument(uri: vscode.Uri): Promise<void> {
  await vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString())?.save();
}
