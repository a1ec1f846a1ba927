import * as vscode from "vscode";
import { Server } from "./server";

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  server = new Server(context);
  context.subscriptions.push(
    server,
    vscode.commands.registerCommand("bot-bottle.restart", () => server?.restart()),
    vscode.commands.registerCommand("bot-bottle.showLog", () => server?.showLog()),
    vscode.workspace.onDidChangeConfiguration(async (event) => {
      if (event.affectsConfiguration("bot-bottle.path") || event.affectsConfiguration("bot-bottle.home")) {
        await server?.restart();
      }
    }),
  );
  await server.start();
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}
