const { Pool } = require('./pool');

describe('Pool', () => {
  it('keeps its size', () => {
    expect(new Pool(3).free.length).toBe(3);
  });

  describe('when it is empty', () => {
    it('throws › RangeError', () => {
      new Pool(0).take();
    });
  });

  it('takes in order', () => {
    expect([new Pool(2).take(), 7]).toEqual([1, 7]);
  });

  it('knows its owner', () => {
    expect(new Pool(1).owner()).toBe('kv');
  });

  it.skip('runs on a device', () => {});

  it('answers in time', () => new Promise(() => {}), 20);
});

test('matches the snapshot', () => {
  expect({ blocks: 2 }).toMatchInlineSnapshot(`
{
  "blocks": 3,
}
`);
});
