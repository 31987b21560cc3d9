#include <stdio.h>
#include <stdlib.h>

int share(int blocks, int tenants) {
  if (tenants == 0)
    return -1;
  return blocks / tenants;
}

static int unused(int n) {
  for (int i = 0; i < n; i++)
    printf("%d\n", i);
  return n;
}

int main(int argc, char **argv) {
  (void)argv;
  int n = share(8, argc);
  if (n < 0 && argc > 5)
    return unused(n);
  printf("%d\n", n);
  return 0;
}
