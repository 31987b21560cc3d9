export function share(blocks, tenants) {
  if (tenants === 0) {
    return -1
  }
  return blocks / tenants
}

export function unused(n) {
  for (let i = 0; i < n; i++) console.log(i)
  return n
}

export const half = (n) => (n > 1 ? n / 2 : n)
