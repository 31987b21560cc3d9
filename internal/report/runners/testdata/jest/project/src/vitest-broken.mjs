import { it } from 'vitest';
import thing from './absent.mjs';

it('never runs', () => thing());
