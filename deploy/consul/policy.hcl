# What the token of the nodes may do: register themselves as "shop", and read who else is.
service "shop" {
  policy = "write"
}

# A read of a service's health also shows the machine that it runs on.
node_prefix "" {
  policy = "read"
}
