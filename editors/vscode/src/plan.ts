import * as path from "node:path";
import * as vscode from "vscode";

const SCHEME = "bot-bottle";

/** Plans as read-only documents, shown through the Markdown preview. */
export class PlanView implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  readonly onDidChange = this.changed.event;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "";
  }

  /** Shows `text` beside the manifest; the same manifest asked again updates the same document. */
  async show(what: "plan" | "dry run", manifest: vscode.Uri, name: string | undefined, text: string): Promise<void> {
    const title = `${name ?? path.basename(manifest.path)} (${what}).md`;
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${title}`, query: manifest.toString() });
    this.texts.set(uri.toString(), text);
    this.changed.fire(uri);
    try {
      await vscode.commands.executeCommand("markdown.showPreviewToSide", uri);
    } catch {
      // The built-in Markdown extension can be switched off; the text itself is readable too.
      await vscode.window.showTextDocument(uri, { viewColumn: vscode.ViewColumn.Beside, preview: true });
    }
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}
