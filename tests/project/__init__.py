"""A small Django project that uses taskstatus as any other would, plus views to drive it."""
