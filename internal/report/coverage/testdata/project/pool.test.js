import { expect, test } from 'vitest'
import { half, share } from './pool.js'

test('shares', () => {
  expect(share(8, 2)).toBe(4)
  expect(half(8)).toBe(4)
})
