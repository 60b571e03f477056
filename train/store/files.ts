// The files of one run, wherever they lie: a folder on a disk (folder.ts), a browser's private file system (web/train/files.ts).
// What the files are and what is in them is the same there, so a run can move from one place to the other.

export interface RunFiles {
  /** For sentences: the folder's path, or what the person calls the run. */
  readonly name: string;
  /**
   * Until what the returned function gives resolves, or this process or tab ends, nobody else can lock them.
   * @throws UserError when somebody else trains there
   */
  lock(): Promise<() => Promise<void>>;
  /** Undefined where there is none. Paths have `/`, and one folder at most. */
  read(path: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Whole or not at all, under a temporary name first; folders are made. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** The whole text or none of it. */
  append(path: string, text: string): Promise<void>;
  /** Names in a folder, or in the run itself (''), sorted; none where there is no folder. */
  list(folder: string): Promise<string[]>;
  rename(path: string, to: string): Promise<void>;
  /** A file, or a folder with all that is in it; nothing where there is none. */
  remove(path: string): Promise<void>;
  /** Those of a folder. */
  within(folder: string): RunFiles;
  /** In a sentence, what went wrong with the place (no room, no permission); undefined for any other error. */
  failure(error: unknown): string | undefined;
}

/** Where everything is in a run. */
export const RUN = {
  /** Recipe and data. */
  config: 'config.json',
  /** A line for each report and each check. */
  stats: 'stats.jsonl',
  /** Averaged generator at its best measured quality. */
  best: 'best.safetensors',
  /** What quality is measured with, where the run takes it along. */
  judge: 'judge.onnx',
  checkpoints: 'checkpoints',
  samples: 'samples',
  /** A run of its own: the encoder that was trained for it, if any. */
  encoder: 'encoder',
} as const;

/** A name to write under before the file is whole, and whether a name is none of those. */
export const temporaryName = (path: string, writer: number): string => `${path}.${writer}.tmp`;
export const isWhole = (name: string): boolean => !/\.\d+\.tmp$/.test(name);

export async function readText(files: RunFiles, path: string): Promise<string | undefined> {
  const bytes = await files.read(path);
  return bytes && new TextDecoder().decode(bytes);
}

export const writeText = (files: RunFiles, path: string, text: string): Promise<void> =>
  files.write(path, new TextEncoder().encode(text));
