"""The front door: settings, commands, HTTP, embedded servers, and a process made of the parts."""
