// the product's
