"""Images that the site builds (spec images-networks-volumes-services.md 1)."""
