// Chooses and starts a training engine.
import type { Device, EngineName, EngineOptions, TrainingEngine } from './engine.ts';

export async function createEngine(name: EngineName, options: EngineOptions): Promise<TrainingEngine> {
  // Imported on demand: the engine that is not used may not be installable on this machine.
  switch (name) {
    case 'onnx':
      return (await import('./onnx.ts')).createOnnxEngine(options);
    case 'tensorflow':
      return (await import('./eager.ts')).createEagerEngine(options, 'tensorflow');
    case 'tfjs':
      return (await import('./eager.ts')).createEagerEngine(options, 'cpu');
    default:
      return name satisfies never;
  }
}

export type { Device, EngineName, TrainingEngine };
