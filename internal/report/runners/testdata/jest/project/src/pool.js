class Pool {
  constructor(n) {
    this.free = Array.from({ length: n }, (_, i) => i);
  }

  take() {
    if (this.free.length === 0) {
      throw new RangeError(`pool is empty`);
    }
    return this.free.shift();
  }

  owner() {
    return this.config.owner;
  }
}

module.exports = { Pool };
