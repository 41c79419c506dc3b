/*
 * How the world judges mail that this server sends for a domain: answers of the DNS and evaluations in, findings out.
 * Nothing is asked here.
 */
#ifndef LEUMUND_SPF_AUDIT_H
#define LEUMUND_SPF_AUDIT_H

#include "egress.h"
#include "spf/dmarc.h"
#include "spf/spf.h"

struct spf_audit_facts {
	const char *domain;			   /* comparable form */
	const char *organisation;		   /* its organisational domain: itself where it is one */
	const struct dns_answer *txt;		   /* of the domain */
	const struct dns_answer *dmarc;		   /* TXT of _dmarc.DOMAIN */
	const struct dns_answer *dmarc_above;	   /* TXT of _dmarc.ORGANISATION; NULL: that is the same */
	const struct egress_pool *pool;		   /* the addresses that mail leaves from */
	const struct spf_outcome *const *outcomes; /* of each, for MAIL FROM postmaster@DOMAIN */
	/*
	 * By SPF_AUDIT_LIMITS, for an address that no server has (SPF_AUDIT_NOBODY): nothing ends it early, so it
	 * meets every term.
	 */
	const struct spf_outcome *whole;
};

#define SPF_AUDIT_NOBODY "0.0.0.0"
#define SPF_AUDIT_LIMITS ((struct spf_limits){ 20, 20, 20, 20, 500 })

#define SPF_AUDIT_NOTES 6

struct spf_audit {
	enum spf_result result; /* the worst of all addresses */
	bool fails;		/* it must be mended: softfail, fail, permerror; or it could not be found out */
	bool record_unknown;	/* the DNS failed */
	unsigned records;	/* SPF records; 1 is right */
	char *record;		/* the first, escaped by text_escaped(); "" = none */
	char *missing; /* "ip4:192.0.2.1 ip6:2001:db8::1", "include:spf.hoster.example": what it lacks; "" = nothing */
	bool included; /* its record includes the pool's domain: what is missing is missing there */
	char *publish; /* the record that would let all addresses pass: printable ASCII; "" = none is needed or known */
	unsigned refused;      /* addresses that SPF does not allow: neither pass nor temperror */
	unsigned terms, voids; /* look-ups when every term is met; one above the limit of SPF_AUDIT_LIMITS: or more */
	enum dmarc_state dmarc;
	struct dmarc_record policy;
	const char *dmarc_domain; /* whose record it is: one of the facts' domains */
	enum dmarc_action action; /* that it takes with mail that fails */
	bool hits;		  /* it would hit mail from at least one address, unless DKIM saves it */
	unsigned note_count;	  /* sentences on what is wrong, in our words: printable ASCII */
	char notes[SPF_AUDIT_NOTES][256];
};

/* False: no memory. What came out is freed with spf_audit_free(). */
bool spf_audit(const struct spf_audit_facts *facts, struct spf_audit *out);
void spf_audit_free(struct spf_audit *audit);

/*
 * The worst of the results of a pool's addresses, and, appended to `missing`, the terms that would let all pass:
 * SPF_AUDIT_MISSING_MAX bytes hold them.
 */
#define SPF_AUDIT_MISSING_MAX (EGRESS_ADDRESSES * (INET6_ADDRSTRLEN + sizeof("ip6: ")))
enum spf_result spf_audit_missing(const struct egress_pool *pool, const enum spf_result *results, struct text *missing);

/*
 * The record with `terms` in front of the first term that may say something else than pass, mostly its "all". What is
 * no record that SPF knows stays as it is. False: it does not fit.
 */
bool spf_audit_correct(struct span record, const char *terms, struct text *out);

#endif
