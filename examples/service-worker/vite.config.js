export default {
  // Vite's development server would bundle the library away from its worker. Building needs nothing.
  optimizeDeps: { exclude: ['@pocketgen/client'] },
};
