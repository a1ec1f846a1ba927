import * as vscode from "vscode";
import type { ExecuteCommandSignature, Middleware } from "vscode-languageclient/node";
import type { PlanView } from "./plan";

const LAUNCH = "bot-bottle.launch";
const OURS = ["bot-bottle.plan", "bot-bottle.dryRun", LAUNCH];
const LANGUAGES = ["bottle", "bottle-markdown"];

/**
 * The server's commands are registered by the client library under their own names, so nothing here registers
 * them again: the palette, a lens and a key all pass through `executeCommand`.
 */
export function middleware(plans: PlanView): Middleware {
  return {
    executeCommand: async (command, args, next) => {
      if (!OURS.includes(command)) {
        return next(command, args);
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
      return run(plans, command, target, next);
    },
    provideCodeLenses: async (document, token, next) => {
      const lenses = await next(document, token);
      return vscode.workspace.isTrusted ? lenses : lenses?.filter((lens) => lens.command?.command !== LAUNCH);
    },
  };
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

async function run(plans: PlanView, command: string, { uri, name }: Target, next: ExecuteCommandSignature) {
  const args = name === undefined ? [uri.toString()] : [uri.toString(), name];
  const answer: unknown = await next(command, args);
  if (typeof answer === "string" && command !== LAUNCH) {
    await plans.show(command === "bot-bottle.plan" ? "plan" : "dry run", uri, name, answer);
  }
  return answer;
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
