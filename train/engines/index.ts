// Starts a training engine of this machine by its name.
import type { Device, EngineName, EngineOptions, TrainingEngine } from './engine.ts';

export async function createEngine(
  name: EngineName,
  { device, ...options }: EngineOptions & { readonly device: Device },
): Promise<TrainingEngine> {
  // Imported on demand: the engine that is not used may not be installable on this machine.
  switch (name) {
    case 'onnx': {
      const [{ createOnnxEngine }, { runtimeOn }] = [await import('./onnx.ts'), await import('./onnxruntime.ts')];
      return createOnnxEngine(options, await runtimeOn(device));
    }
    case 'tensorflow':
      return (await import('./eager.ts')).createEagerEngine(options, 'tensorflow');
    case 'tfjs':
      return (await import('./eager.ts')).createEagerEngine(options, 'cpu');
    default:
      return name satisfies never;
  }
}

export type { Device, EngineName, TrainingEngine };
