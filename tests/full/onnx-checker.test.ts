// Our models against the official ONNX checker where Python has it, and against both run-times everywhere.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as native from 'onnxruntime-node';
import * as web from 'onnxruntime-web/wasm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { traceCompleter } from '../../export/completer.ts';
import { traceEncoder } from '../../export/encoder.ts';
import { generatorFunction } from '../../export/weights.ts';
import { trace } from '../../trace/index.ts';
import { traceStep } from '../../train/engines/onnx.ts';
import { encoderRecipe } from '../../train/families/encoder/recipe.ts';
import { createModel } from '../../train/families/models.ts';
import { AUGMENTATIONS } from '../../train/nn/augmentation.ts';
import { under } from '../../train/nn/tensors.ts';
import { PRESETS, recipeFor } from '../../train/recipe.ts';
import { countAccepted, hasChecker } from '../helpers/onnx-checker.ts';
import { operators, readModel } from '../helpers/traced.ts';
import { randomPictures } from '../helpers/training.ts';

const STORAGES = ['fp32', 'fp16', 'int8'] as const;
const folder = mkdtempSync(join(tmpdir(), 'pocketgen-checker-'));
const models: Record<string, Uint8Array> = {};

beforeAll(async () => {
  for (const preset of Object.keys(PRESETS)) {
    const pictures = randomPictures({ resolution: 28, channels: 1, classes: 10 }, 8, 1);
    const recipe = recipeFor(preset, pictures, {
      batch: 4,
      ...(preset === 'quick' ? { augment: [...AUGMENTATIONS] } : {}),
    });
    const model = createModel(recipe);
    const { latent, classes } = recipe.network;
    const weights = under('ema', model.initialState());
    const inputs = { latent: ['batch', latent], ...(classes > 0 ? { class: ['batch', classes] } : {}) };
    const { encode } = await trace(generatorFunction({ model, weights }), inputs, { name: 'generator' });
    for (const [i, phase] of model.phases.entries()) models[`${preset}.step${i}`] = await traceStep(phase);
    const encoder = await traceEncoder({ model, weights }, STORAGES);
    for (const storage of STORAGES) models[`${preset}.generator.${storage}`] = encode(storage);
    for (const { variant, bytes } of encoder?.models ?? []) models[`${preset}.encoder.${variant}`] = bytes;
    const completer = await traceCompleter({ model, weights }, STORAGES);
    for (const { variant, bytes } of completer?.models ?? []) models[`${preset}.completer.${variant}`] = bytes;
  }
  // The encoder of a finished generator is of no preset. With features of a discriminator its second step is the largest.
  const pictures = randomPictures({ resolution: 28, channels: 1, classes: 10 }, 8, 1);
  const { network } = recipeFor('fashion-gan', pictures);
  const model = createModel(encoderRecipe(network, { generator: 'any' }, { batch: 4 }));
  for (const [i, phase] of model.phases.entries()) models[`encoder.step${i}`] = await traceStep(phase);
  const encoder = await traceEncoder({ model, weights: under('ema', model.initialState()) }, STORAGES);
  for (const { variant, bytes } of encoder?.models ?? []) models[`encoder.${variant}`] = bytes;
  for (const [name, bytes] of Object.entries(models)) writeFileSync(join(folder, `${name}.onnx`), bytes);
});

afterAll(() => rmSync(folder, { recursive: true }));

test(`every preset’s steps, generator, encoder and completer pass ${hasChecker ? 'the official checker' : 'both run-times (Python has no onnx module)'}`, async () => {
  const names = Object.keys(models);
  // Two of the presets have two more phases, and an encoder, one of them a completer; what is no preset has two steps, and an encoder.
  expect(names).toHaveLength(4 * Object.keys(PRESETS).length + 3 * (2 + STORAGES.length) + STORAGES.length);
  if (hasChecker) {
    expect(countAccepted(names.map((name) => join(folder, `${name}.onnx`)))).toBe(names.length);
  }
  web.env.wasm.numThreads = 1;
  for (const bytes of Object.values(models)) {
    const onNode = await native.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const onWasm = await web.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    expect(onWasm.outputNames).toEqual(onNode.outputNames);
    await onNode.release();
    await onWasm.release();
  }
});

test('models hold the default operators of opset 17 only, and no node that nothing uses', () => {
  for (const [name, bytes] of Object.entries(models)) {
    const graph = readModel(bytes);
    const used = new Set([...graph.node.flatMap((node) => node.input), ...graph.output.map((o) => o.name)]);
    for (const node of graph.node) {
      expect(node.domain, `${name}: ${node.name}`).toBe('');
      expect(
        node.output.some((output) => used.has(output)),
        `${name}: ${node.name} is used`,
      ).toBe(true);
    }
    for (const { name: initializer } of graph.initializer)
      expect(used.has(initializer), `${name}: ${initializer}`).toBe(true);
    for (const unwanted of ['Identity', 'Loop', 'If', 'Scan']) expect(operators(graph)[unwanted] ?? 0, name).toBe(0);
  }
});
