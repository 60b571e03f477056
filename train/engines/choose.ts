// `--engine auto`: the fastest engine this machine really has, and why it was chosen.
import { loadTensorflow } from './eager.ts';
import type { Device, EngineName } from './engine.ts';
import { PROBE_SIDE, probe } from './probe.ts';

export interface EngineChoice {
  readonly engine: EngineName;
  readonly device: Device;
  readonly why: string;
}

/**
 * A working CUDA tfjs-node-gpu, else WebGPU where it beats the CPU, else the CPU. `log` is told what drivers write, which on
 * a machine without a GPU is warnings that mean nothing.
 */
export async function chooseEngine(log: (text: string) => void = () => {}): Promise<EngineChoice> {
  try {
    const { name, gpu } = loadTensorflow();
    if (gpu) return { engine: 'tensorflow', device: 'cuda', why: `${name} has a CUDA device` };
  } catch {
    // Not installed: the usual case.
  }
  const gpu = await probe('webgpu', log);
  const cpu = gpu === undefined ? undefined : await probe('cpu', log);
  if (gpu !== undefined && cpu !== undefined && gpu < cpu) {
    const why = `WebGPU multiplies ${PROBE_SIDE}x${PROBE_SIDE} matrices in ${gpu.toFixed(1)} ms, the CPU in ${cpu.toFixed(1)} ms`;
    return { engine: 'onnx', device: 'webgpu', why };
  }
  const why = gpu === undefined ? 'no WebGPU adapter' : 'the CPU is faster than this WebGPU adapter, which is software';
  return { engine: 'onnx', device: 'cpu', why: `no CUDA build of tfjs-node, ${why}` };
}
