from shop import cart
from shop.cart import f
import json
print(json.dumps(f()), cart.C)
