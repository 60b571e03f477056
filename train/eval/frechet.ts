// Fréchet distance between Gaussians fitted to two feature matrices: FID (Heusel et al. 2017, arXiv:1706.08500) when the
// features are Inception's; here they are our own classifier's, so compare values only within this project.
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { covarianceOf, type Features, meanOf } from './features.ts';

export interface Gaussian {
  mean: Float64Array;
  covariance: Matrix;
}

export function fitGaussian(features: Features): Gaussian {
  const mean = meanOf(features);
  return { mean, covariance: covarianceOf(features, mean) };
}

/**
 * |μa − μb|² + tr(A + B − 2 (A B)^½). The trace of (A B)^½ is that of the symmetric (A^½ B A^½)^½, so two symmetric
 * eigenvalue decompositions do, and singular covariances need no offset.
 */
export function frechetDistance(a: Gaussian, b: Gaussian): number {
  let means = 0;
  for (let i = 0; i < a.mean.length; i++) means += ((a.mean[i] ?? 0) - (b.mean[i] ?? 0)) ** 2;
  const rootA = squareRoot(a.covariance);
  const product = rootA.mmul(b.covariance).mmul(rootA);
  const { realEigenvalues } = new EigenvalueDecomposition(product, { assumeSymmetric: true });
  const cross = realEigenvalues.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
  return Math.max(0, means + a.covariance.trace() + b.covariance.trace() - 2 * cross);
}

/** Of a symmetric positive semi-definite matrix; eigenvalues that rounding made negative count as 0. */
function squareRoot(matrix: Matrix): Matrix {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const roots = Matrix.diag(realEigenvalues.map((value) => Math.sqrt(Math.max(0, value))));
  return eigenvectorMatrix.mmul(roots).mmul(eigenvectorMatrix.transpose());
}
