"""The demo: a sale that tells a story, played on real servers and watched in the terminal."""
