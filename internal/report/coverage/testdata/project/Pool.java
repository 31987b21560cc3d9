public class Pool {
  static int share(int blocks, int tenants) {
    if (tenants == 0) {
      return -1;
    }
    return blocks / tenants;
  }

  static int unused(int n) {
    for (int i = 0; i < n; i++) {
      System.out.println(i);
    }
    return n;
  }

  static class Block {
    final int id;

    Block(int id) { this.id = id; }

    boolean first() { return id == 0; }
  }

  public static void main(String[] args) {
    int n = share(8, args.length + 2);
    if (n < 0 && args.length > 4) {
      unused(n);
    }
    System.out.println(n + new Block(1).id);
  }
}
