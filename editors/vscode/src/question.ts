import * as vscode from "vscode";
import { ShowMessageRequest, type LanguageClient, type MessageActionItem } from "vscode-languageclient/node";

/**
 * Answers the server's questions in a dialog: a notification runs the lines of a permission summary together, and
 * whoever says yes must have read it.
 */
export function askInDialogs(client: LanguageClient): void {
  client.onRequest(ShowMessageRequest.type, async ({ message, actions = [] }): Promise<MessageActionItem | null> => {
    const [first = "", ...rest] = message.split("\n");
    const [yes, ...others] = actions;
    // Escape is a no, as the last answer is.
    const items = [yes, ...others.map((action) => ({ ...action, isCloseAffordance: true }))].filter((item) => item !== undefined);
    const options = { modal: true, detail: rest.join("\n") };
    const answer = await vscode.window.showWarningMessage(first, options, ...items);
    return actions.find((action) => action.title === answer?.title) ?? null;
  });
}
