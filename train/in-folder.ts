// Training in a run folder of this machine: the loop with its folder and an engine by name.
import type { Device, EngineName } from './engines/engine.ts';
import { createEngine } from './engines/index.ts';
import { type TrainOptions, type TrainResult, train } from './loop.ts';
import type { RunFiles } from './store/files.ts';
import { folderFiles } from './store/folder.ts';

export interface FolderTrainOptions extends Omit<TrainOptions, 'files' | 'engine'> {
  readonly dir: string;
  /** Those of `dir`, where the caller holds their lock. */
  readonly files?: RunFiles;
  readonly engine: EngineName;
  readonly device: Device;
}

export const trainInFolder = ({
  dir,
  files = folderFiles(dir),
  engine,
  device,
  ...options
}: FolderTrainOptions): Promise<TrainResult> =>
  train({ ...options, files, engine: (given) => createEngine(engine, { ...given, device }) });
