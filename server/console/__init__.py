"""The staff's console: who may do what in it, and the calls that its pages make."""
