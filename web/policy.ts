// First of all imports: zod compiles its checks with `new Function` where it may. The page's content security policy
// forbids that, and a browser reports even the attempt.
import { z } from 'zod';

z.config({ jitless: true });
