import * as vscode from "vscode";
import { CodeLensRequest, LanguageClient, State, type ExecutableOptions, type ServerOptions } from "vscode-languageclient/node";
import { findBinary } from "./binary";
import { offerTerminal, TERMINAL_CAPABILITY } from "./terminal";
import { middleware } from "./middleware";
import { Pages } from "./pages";
import { askInDialogs } from "./question";

const SELECTOR = ["bottle", "bottle-markdown"].map((language) => ({ scheme: "file", language }));

/** The language server of this window: found, started, restarted, stopped. */
export class Server implements vscode.Disposable {
  private readonly log = vscode.window.createOutputChannel("bot-bottle", { log: true });
  private readonly pages = new Pages();
  private readonly onTrust = vscode.workspace.onDidGrantWorkspaceTrust(() => this.refreshLenses());
  private client: LanguageClient | undefined;
  private restarted = Promise.resolve();

  constructor(private readonly context: vscode.ExtensionContext) {}

  async start(): Promise<void> {
    const settings = vscode.workspace.getConfiguration("bot-bottle");
    const found = await findBinary(settings.get("path", ""), this.context.extensionPath);
    if ("missing" in found) {
      this.log.error(found.missing);
      void this.sayWhatToDo(found.missing);
      return;
    }
    this.log.info(`starting ${found.path} lsp`);
    this.client = this.newClient(found.path, settings.get("home", ""));
    try {
      await this.client.start();
    } catch (error) {
      this.log.error(`${found.path} lsp did not start: ${String(error)}`);
      return;
    }
    const commands = this.client.initializeResult?.capabilities.executeCommandProvider?.commands ?? [];
    await announce(commands);
  }

  /** Restarts follow each other, however fast they are asked for. */
  restart(): Promise<void> {
    this.restarted = this.restarted.then(() => this.stop()).then(() => this.start());
    return this.restarted;
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    await announce([]);
    if (client?.state === State.Starting) {
      // It cannot be stopped before it has started, or failed to: `start` gives the start that is under way.
      await client.start().catch(() => undefined);
    }
    if (client?.state === State.Running) {
      await client.dispose();
    }
  }

  showLog(): void {
    this.log.show();
  }

  dispose(): void {
    this.onTrust.dispose();
    this.pages.dispose();
    this.log.dispose();
  }

  private newClient(command: string, home: string): LanguageClient {
    const options: ExecutableOptions = { env: environment(home) };
    const server: ServerOptions = { command, args: ["lsp"], options };
    const client = new LanguageClient("bot-bottle", "bot-bottle", server, {
      documentSelector: SELECTOR,
      outputChannel: this.log,
      middleware: middleware(this.pages),
    });
    client.registerFeature(TERMINAL_CAPABILITY);
    offerTerminal(client, options.env);
    askInDialogs(client);
    return client;
  }

  /** A lens that was hidden for want of trust comes back. */
  private refreshLenses(): void {
    const feature = this.client?.getFeature(CodeLensRequest.method);
    for (const document of vscode.workspace.textDocuments) {
      feature?.getProvider(document)?.onDidChangeCodeLensEmitter.fire();
    }
  }

  private async sayWhatToDo(missing: string): Promise<void> {
    const openSetting = "Open Setting";
    const howTo = "How to Install";
    const answer = await vscode.window.showErrorMessage(
      `${missing} Install it (cargo install bot-bottle) or set bot-bottle.path, then run “bot-bottle: Restart Language Server”.`,
      howTo,
      openSetting,
    );
    if (answer === openSetting) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "bot-bottle.path");
    } else if (answer === howTo) {
      await vscode.commands.executeCommand("extension.open", this.context.extension.id);
    }
  }
}

/** The server's environment: the window's own, with the home folder that the setting names. */
function environment(home: string): NodeJS.ProcessEnv {
  return home === "" ? process.env : { ...process.env, HOME: home, USERPROFILE: home };
}

/** Tells the menus which of the server's commands there are. */
async function announce(commands: string[]): Promise<void> {
  await vscode.commands.executeCommand("setContext", "botBottle.commands", commands);
}
