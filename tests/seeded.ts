// What generates its cases (fast-check) generates the same ones in every run, so that a red run is a change's doing;
// FC_SEED=N looks at others.
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 1) });
