// Writes docs/trace-kernels.md from the tracer's mappings: `node scripts/trace-kernels.ts` with Node 22.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { kernelTable } from '../tests/helpers/kernel-table.ts';

writeFileSync(resolve(import.meta.dirname, '../docs/trace-kernels.md'), await kernelTable());
