// The official ONNX checker, where Python has it.
import { spawnSync } from 'node:child_process';

/** With strict shape inference: every shape we declare must be the one that follows from the operators. */
const CHECK = `
import sys, onnx
for path in sys.stdin.read().splitlines():
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    assert len(model.graph.output) > 0
    for before, after in zip(model.graph.output, inferred.graph.output):
        assert before.type == after.type, (path, before, after)
    print("checked", path)
`;

export const hasChecker = spawnSync('python3', ['-c', 'import onnx'], { encoding: 'utf8' }).status === 0;

/** How many of the files it accepts; throws with its own words at the first it does not. */
export function countAccepted(paths: readonly string[]): number {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', CHECK], { encoding: 'utf8', input: paths.join('\n') });
  if (status !== 0 || stderr) throw new Error(`ONNX checker: ${stderr}`);
  return stdout.match(/^checked /gm)?.length ?? 0;
}
