import { describe, expect, it } from 'vitest';
import pool from './pool.js';

const { Pool } = pool;

describe('Pool', () => {
  it('keeps its size', () => {
    expect(new Pool(3).free.length).toBe(3);
  });

  describe('when it is empty', () => {
    it('throws', () => {
      new Pool(0).take();
    });
  });

  it('takes in order', () => {
    expect([new Pool(2).take(), 7]).toEqual([1, 7]);
  });

  it.skip('runs on a device', () => {});

  it('answers in time', () => new Promise(() => {}), 20);
});
