import * as vscode from "vscode";
import { ShowMessageRequest, type LanguageClient, type MessageActionItem } from "vscode-languageclient/node";

/**
 * Answers the server's questions in a dialog: a notification runs the lines of a permission summary together, and
 * whoever says yes must have read it.
 */
export function askInDialogs(client: LanguageClient): void {
  client.onRequest(ShowMessageRequest.type, async ({ message, actions = [] }): Promise<MessageActionItem | null> => {
    const [first = "", ...rest] = message.split("\n");
    // In the server's order, whose first is a no: the first button has the focus, and Escape is a no too.
    const options = { modal: true, detail: rest.join("\n") };
    const answer = await vscode.window.showWarningMessage(first, options, ...actions);
    return actions.find((action) => action.title === answer?.title) ?? null;
  });
}
