// The model card of a bundle, written from its manifest (after Mitchell et al. 2019, "Model Cards for Model Reporting").
import type { Manifest } from '../contract/manifest.ts';

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(0)} kB`;

export function modelCard(manifest: Manifest, dataNote: string): string {
  const { image, latent, classes, files, training, metrics } = manifest;
  const table = files.map(
    (f) => `| \`${f.path}\` | ${f.variant} | ${kilobytes(f.bytes)} | \`${f.sha256.slice(0, 16)}…\` |`,
  );
  return `# ${manifest.title}

${manifest.description}

- **Kind**: ${manifest.kind.toUpperCase()} generator, ${image.width}x${image.height}, ${image.channels === 1 ? 'grey' : 'colour'}; opset ${manifest.opset}
- **Input**: latent of ${latent.size} normal numbers${classes.length > 0 ? `, one of ${classes.length} classes: ${classes.join(', ')}` : ''}
- **Training data**: ${training.dataset.name} (${dataNote}); SHA-256 of the pictures \`${training.dataset.sha256.slice(0, 16)}…\`
- **Training**: preset \`${training.preset}\`, ${training.imagesSeen} images seen, engine ${training.engine}, seed ${training.seed}
- **Licence**: ${manifest.license}

| file | storage | size | SHA-256 |
| --- | --- | --- | --- |
${table.join('\n')}

Every variant computes in float32; fp16 and int8 are kinds of storage. The same seed, class and truncation give the same
picture byte for byte on onnxruntime-web's wasm provider everywhere, and within one level of 255 elsewhere.

## Quality

${metrics ? `\`\`\`json\n${JSON.stringify(metrics, null, 2)}\n\`\`\`` : 'Not measured for this bundle; run `pocketgen eval` on it.'}

## Limits

It draws what its training pictures show and nothing else. It is a small model: look at its pictures before you rely on
them. It was not made to tell real pictures from generated ones, nor to draw people.
`;
}
