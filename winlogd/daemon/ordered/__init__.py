"""How a running server carries out each order of the control socket: one module an order, loaded with the first one."""
