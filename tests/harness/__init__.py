"""What tests need around the product: a Redis, servers, workers, clients, and lives to play."""
