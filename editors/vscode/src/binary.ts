import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { homedir } from "node:os";
import * as path from "node:path";

/** Where the program is, or in plain words why there is none. */
export type Found = { path: string } | { missing: string };

/**
 * Looks for the program: the setting, then the one packed into the extension, then `PATH`.
 * A setting that leads nowhere is said, not stepped over: the user chose it.
 */
export async function findBinary(setting: string, extensionFolder: string): Promise<Found> {
  if (setting !== "") {
    const chosen = setting.replace(/^~(?=$|[\\/])/, homedir());
    return (await isExecutable(chosen))
      ? { path: chosen }
      : { missing: `The setting bot-bottle.path names ${chosen}, which is not a program.` };
  }
  const name = process.platform === "win32" ? "bot-bottle.exe" : "bot-bottle";
  const folders = [path.join(extensionFolder, "bin"), ...(process.env.PATH ?? "").split(path.delimiter)];
  for (const folder of folders.filter(path.isAbsolute)) {
    const candidate = path.join(folder, name);
    if (await isExecutable(candidate)) {
      return { path: candidate };
    }
  }
  return { missing: "bot-bottle is not on PATH, and this package of the extension carries none." };
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
