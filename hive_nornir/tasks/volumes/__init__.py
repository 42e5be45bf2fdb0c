"""The site's volumes: replicated by DRBD, on the infrastructure's file service, or what another driver of Docker makes."""
