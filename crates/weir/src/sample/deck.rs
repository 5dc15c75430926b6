//! What can be asked for, and how likely each is: the tables of the shop made ready for drawing.
//!
//! All that is the same for every request to a route is found once here, the rules of both listeners
//! above all: matching a path against twelve rules for each of two million requests would take as long
//! as writing their lines.

use super::client::Visitor;
use super::edge::{EDGES, Edge};
use super::listener::{Listener, Rule};
use super::rng::scale;
use super::shop::{Host, PROBES, ROUTES, Route};

/// A route, who asks for it, and the rule that takes it on either port.
#[derive(Clone, Copy, Debug)]
pub struct Card {
    /// What is asked for.
    pub route: &'static Route,
    /// What is odd about it.
    pub edge: Option<&'static Edge>,
    /// Who asks.
    pub visitor: Visitor,
    /// True when the route upgrades to a WebSocket.
    pub is_socket: bool,
    /// The rule of the listener on port 80.
    pub rule_80: &'static Rule,
    /// The rule of the listener on port 443.
    pub rule_443: &'static Rule,
}

/// Cards to draw from by weight.
#[derive(Debug)]
pub struct Deck {
    /// The sum of weights up to and with each card, rising.
    up_to: Vec<u64>,
    cards: Vec<Card>,
}

impl Deck {
    /// What customers, staff and monitors ask for.
    pub fn ordinary() -> Deck {
        let card = |route| Card::of(route, visitor_of(route));
        Deck::of(ROUTES.iter().map(card).collect())
    }

    /// What scanners ask for.
    pub fn probes() -> Deck {
        Deck::of(PROBES.iter().map(|route| Card::of(route, Visitor::Scanner)).collect())
    }

    /// Odd requests, each as likely as the others.
    pub fn odd() -> Deck {
        let card = |edge: &'static Edge| {
            let route = ROUTES.iter().find(|route| route.pattern == edge.pattern)?;
            Some(Card { edge: Some(edge), ..Card::of(route, Visitor::Customer) })
        };
        Deck::of(EDGES.iter().filter_map(card).collect())
    }

    fn of(cards: Vec<Card>) -> Deck {
        let weight = |card: &Card| {
            if card.edge.is_some() { 1 } else { u64::from(card.route.weight) }
        };
        let up_to = cards.iter().scan(0, |sum, card| {
            *sum += weight(card);
            Some(*sum)
        });
        Deck { up_to: up_to.collect(), cards }
    }

    /// The card that `bits`, 64 random ones, point to; none in an empty deck.
    pub fn draw(&self, bits: u64) -> Option<Card> {
        let drawn = scale(bits, *self.up_to.last()?);
        let place = self.up_to.partition_point(|up_to| *up_to <= drawn);
        self.cards.get(place).copied()
    }
}

impl Card {
    fn of(route: &'static Route, visitor: Visitor) -> Card {
        Card {
            route,
            edge: None,
            visitor,
            is_socket: route.pattern.starts_with("/ws/"),
            rule_80: Listener::Port80.rule_for(route.host, route.pattern),
            rule_443: Listener::Port443.rule_for(route.host, route.pattern),
        }
    }
}

fn visitor_of(route: &Route) -> Visitor {
    match (route.host, route.pattern) {
        (Host::Admin, _) => Visitor::Staff,
        (_, "/health") => Visitor::Monitor,
        _ => Visitor::Customer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_come_up_by_their_weight() {
        let deck = Deck::ordinary();
        let total: u64 = ROUTES.iter().map(|route| u64::from(route.weight)).sum();
        let step = u64::MAX / total + 1;
        let firsts = (0..total).filter(|n| {
            let card = deck.draw(n * step + step / 2).unwrap();
            std::ptr::eq(card.route, &ROUTES[0])
        });
        assert_eq!(firsts.count() as u32, ROUTES[0].weight);
    }

    #[test]
    fn both_ends_of_chance_draw_a_card() {
        for deck in [Deck::ordinary(), Deck::probes(), Deck::odd()] {
            assert!(deck.draw(0).is_some() && deck.draw(u64::MAX).is_some());
        }
        assert_eq!(Deck::odd().cards.len(), EDGES.len());
    }
}
