const assert = require('node:assert');
const { Pool } = require('./pool');

describe('Pool', function () {
  it('keeps its size', function () {
    assert.strictEqual(new Pool(3).free.length, 3);
  });

  describe('when it is empty', function () {
    it('throws', function () {
      new Pool(0).take();
    });
  });

  it('takes in order', function () {
    assert.deepStrictEqual([new Pool(2).take(), 7], [1, 7]);
  });

  it.skip('runs on a device', function () {});

  it('answers in time', function (done) {
    this.timeout(20);
  });

  describe('with a broken hook', function () {
    before(function () {
      throw new Error('no database');
    });
    it('never runs', function () {});
  });
});
